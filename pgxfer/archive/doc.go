// Package archive is the directory a dump is kept in: what pg_dump wrote, and a manifest that says what must be there.
//
// pg_dump's own directory cannot be trusted by itself. Its table of contents is written before the data, so an interrupted dump
// lists like a whole one; and an uncompressed data file cut at the end of a line loads without an error, with rows missing.
// Therefore every file is hashed while it is written, and a manifest with sizes, hashes and row counts is put in place last:
// no manifest, no archive.
//
// Layout of an archive directory:
//
//	changeover-archive.json   marker: the directory is ours and may be discarded
//	pgdump/                   pg_dump's directory format; standard tools can restore it without us
//	manifest.json             written last
package archive
