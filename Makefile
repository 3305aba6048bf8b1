# changeover: `make rehearse` runs a whole migration on this machine, `make test` runs the tests.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X changeover/ui/cli.Version=$(VERSION)
# Where the tests keep a further PostgreSQL major, the official Heroku CLI and AWS's mock of the metadata service.
CACHE ?= $(shell [ "$$(id -u)" = 0 ] && echo /var/cache || echo "$${XDG_CACHE_HOME:-$$HOME/.cache}")/changeover

.PHONY: rehearse test majors huge bench soak soak-transfer soak-rehearsal build dist lint format setup-test

rehearse: ## the whole migration against local PostgreSQL servers, in the dashboard
	@.ci/setup rehearse
	@$(MAKE) --no-print-directory build
	@./changeover rehearse $(ARGS)

build: ## one static binary
	@CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o changeover .

test: setup-test ## everything that can fail
	go vet ./...
	CHANGEOVER_REQUIRE_PG=1 CHANGEOVER_PG_DIRS="$$(.ci/postgres-majors $(CACHE)/postgres 17):$$CHANGEOVER_PG_DIRS" \
	CHANGEOVER_PG_MAJORS="$$(.ci/postgres-majors $(CACHE)/postgres 10 13 16 18)" \
	CHANGEOVER_HEROKU_CLI="$$(.ci/heroku-cli $(CACHE)/heroku-cli)" \
	CHANGEOVER_EC2_MOCK="$$(.ci/ec2-metadata-mock $(CACHE)/ec2-metadata-mock)" \
		go test -race -timeout 30m $(TESTARGS) ./...

majors: ## everything that is nasty, from every PostgreSQL from 10 to 18 to every one from 13 to 18, from leaders and followers
	CHANGEOVER_TEST_ALL_MAJORS=1 CHANGEOVER_REQUIRE_PG=1 CHANGEOVER_PG_DIRS="$$(.ci/postgres-majors $(CACHE)/postgres 17):$$CHANGEOVER_PG_DIRS" \
	CHANGEOVER_PG_MAJORS="$$(.ci/postgres-majors $(CACHE)/postgres 10 11 12 13 14 15 16 18)" \
		go test -timeout 90m -run 'TestMajors' -v ./pgxfer/stream

huge: ## rows near a gigabyte, the most that PostgreSQL can send; takes 4 minutes, and some gigabytes of memory and of disk
	CHANGEOVER_TEST_HUGE=1 CHANGEOVER_REQUIRE_PG=1 CHANGEOVER_PG_DIRS="$$(.ci/postgres-majors $(CACHE)/postgres 17):$$CHANGEOVER_PG_DIRS" \
		go test -count=1 -timeout 60m -run '^TestRowsOfAGigabyte$$' -v ./ui/cli

soak: soak-transfer soak-rehearsal ## what is killed at random moments gets through all the same

soak-transfer: ## kill -9 at SOAK_KILLS (100) random moments of transfers; SOAK_SEED repeats an earlier series
	CHANGEOVER_REQUIRE_PG=1 CHANGEOVER_PG_DIRS="$$(.ci/postgres-majors $(CACHE)/postgres 17):$$CHANGEOVER_PG_DIRS" SOAK_KILLS="$${SOAK_KILLS:-100}" \
		go test -count=1 -timeout 120m -run '^TestTransfersOutliveKills$$' -v ./ui/cli

bench: ## transfers against pg_dump, pg_restore and pgcopydb; BENCH_MB, BENCH_ROUNDS, BENCH_ONLY=peers|capped|costs and more: go run ./pgxfer/bench -h
	@.ci/setup rehearse
	@$(MAKE) --no-print-directory build
	@CHANGEOVER_PG_DIRS="$$(.ci/postgres-majors $(CACHE)/postgres 17):$$CHANGEOVER_PG_DIRS" \
	BENCH_PGCOPYDB="$${BENCH_PGCOPYDB-$$(.ci/pgcopydb $(CACHE)/pgcopydb)}" \
		go run ./pgxfer/bench

soak-rehearsal: ## whole rehearsals killed SOAK_KILLS times (50) at random moments, SOAK_SEED repeats one; and every crash of the steps in memory
	@.ci/setup test
	CHANGEOVER_SOAK=1 go test -count=1 -timeout 60m -v -run 'TestTheTwelveSteps' ./steps/engine -rapid.checks=1000 -rapid.nofailfile
	CHANGEOVER_REQUIRE_PG=1 CHANGEOVER_PG_DIRS="$$(.ci/postgres-majors $(CACHE)/postgres 17):$$CHANGEOVER_PG_DIRS" SOAK_KILLS="$${SOAK_KILLS:-50}" \
		go test -count=1 -timeout 120m -v -run 'TestRehearsalsOutliveKillsAtRandomMoments' ./ui/cli

setup-test:
	@.ci/setup test

dist: ## static binaries for the machines a box can be
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -ldflags "$(LDFLAGS)" -o dist/changeover-linux-amd64 .
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -ldflags "$(LDFLAGS)" -o dist/changeover-linux-arm64 .

lint: ## style; built from source the first time, which takes a few minutes
	go run mvdan.cc/gofumpt@v0.12.0 -l . | (! grep .)
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run ./...

format:
	go run mvdan.cc/gofumpt@v0.12.0 -w .
