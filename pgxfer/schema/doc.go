// Package schema decides what of a dumped schema a target can take, and adapts it: nobody is superuser on Heroku, every database
// there brings things of its own, and extensions live in other schemas than they used to.
package schema
