-- +goose Up
-- One client a tenant for each URL by which a client calls itself: two concurrent imports of one document make one client.
create unique index clients_external_once on clients (tenant_id, (settings ->> 'external_client_id')) where settings ? 'external_client_id';
drop index clients_external;
