// Package verify compares two databases: every row of every table, every sequence, every large object, every definition. With the level
// "rows", rows and large objects are counted only.
//
// It can fail. What it does not look at: the rows of materialized views (a restore makes them anew, so they are newer than the
// source's), owners and grants (roles differ between databases by design), publications and subscriptions,
// settings of the database and of roles, planner statistics, and the physical order of rows.
package verify
