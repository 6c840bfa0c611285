-- +goose Up
-- Widen only. The few clients that are apps of a phone are found without reading all of the tenant's.
create index clients_mobile on clients (tenant_id, position) where settings ? 'mobile';

-- +goose Down
drop index clients_mobile;
