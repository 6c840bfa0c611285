-- +goose Up
-- Widen only. A rare kind of client is found without reading all of the tenant's.
create index clients_by_type on clients (tenant_id, app_type, position);
create index clients_third_party on clients (tenant_id, position) where not is_first_party;
