-- +goose Up
-- A tenant has a key for each family of algorithms, each with versions of its own.
alter table signing_keys add column alg text not null default 'RS256' check (alg in ('RS256', 'ES256'));
comment on column signing_keys.alg is 'The algorithm that the key is made for (RFC 7518 §3.1). An RS256 key also signs by RS512 and PS256, under key IDs of their own.';
alter table signing_keys drop constraint signing_keys_tenant_id_version_key;
alter table signing_keys add constraint signing_keys_version unique (tenant_id, alg, version);
drop index signing_keys_current;
create unique index signing_keys_current on signing_keys (tenant_id, alg) where state = 'current';
comment on index signing_keys_current is 'A tenant signs by one key of an algorithm at a time.';
