// Package postgres runs a private PostgreSQL server and keeps its databases, schemas and roles as docs/seams.md names them. It never
// makes a table: schemas are filled by the services that own them.
package postgres
