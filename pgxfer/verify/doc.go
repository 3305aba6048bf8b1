// Package verify compares two databases: every row of every table, every sequence, every large object, every definition. With the level
// "rows", rows and large objects are counted only.
//
// It can fail. Definitions are those of all kinds of objects that a user can make in a database of his own: schemas; tables, foreign
// tables and their columns, views, indexes and what they are attached to, constraints, triggers, rules, policies, sequences and extended
// statistics; types of all sorts, casts, collations and conversions; functions, procedures, aggregates, languages and transforms;
// operators with their classes and families, access methods; parsers, templates, dictionaries and configurations for text search;
// foreign-data wrappers and servers; comments, and what depends on an extension. Options of foreign objects may be passwords: only hashes of them are compared. Of
// extensions only the presence counts.
//
// Majors that say the same in other words are told from those that do not: what differs only in that way is no difference. What only
// a superuser may make, and a restore by anybody else leaves out, is said and is no difference either, unless the target's role is a superuser.
//
// What it does not look at:
//   - owners, grants, default privileges and the roles of policies: roles differ between databases by design
//   - user mappings, which hold the credentials of such roles
//   - publications and subscriptions: a new database has other subscribers
//   - event triggers: Heroku has its own on every database, and nobody else may make them
//   - security labels, which need a provider that the server loads
//   - settings of the database and of roles, and tablespaces
//   - planner statistics, and the physical order of rows and of the columns of tables
//   - the rows of materialized views: a restore makes them anew, so they are newer than the source's
//   - the versions of extensions, and of the libraries that collations sort by: those are the server's
//   - names of NOT NULL constraints, which servers before 18 do not have
//   - whether the triggers behind foreign keys are enabled: pg_dump leaves that out
//   - operators that were only named by others, and are not there: pg_dump leaves them out
//   - what a superuser has added to the system's own or an extension's objects: pg_dump leaves that out too
package verify
