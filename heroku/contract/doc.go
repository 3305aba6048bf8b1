// Package contract holds the simulated Heroku, and our client, against the official Heroku CLI. It has tests only.
//
// Every command of the CLI that a migration needs runs against the simulator, and the same operation by our client
// against another simulator like it. Both must leave the same state behind, and the calls must agree in method,
// path, headers and body. CHANGEOVER_HEROKU_CLI names the CLI, which .ci/heroku-cli installs; without it the tests
// are skipped, and CHANGEOVER_REQUIRE_HEROKU_CLI=1 makes that a failure.
package contract
