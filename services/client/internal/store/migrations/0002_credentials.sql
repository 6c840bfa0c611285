-- +goose Up
create table credentials (
  tenant_id  text not null,
  id         text not null,
  position   bigint not null generated always as identity,
  client_id  text not null,
  name       text not null,
  type       text not null check (type in ('public_key', 'cert_subject_dn', 'x509_cert')),
  kid        text not null,
  alg        text not null,
  public_key bytea,
  subject_dn text not null,
  thumbprint text not null,
  expires_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  constraint credentials_client foreign key (tenant_id, client_id) references clients (tenant_id, id) on delete cascade
);
create index credentials_by_client on credentials (tenant_id, client_id);
comment on table credentials is 'Public keys, certificates and subjects by which clients prove themselves (RFC 7523, RFC 8705). They hold no secret.';
comment on column credentials.public_key is 'PKIX, DER. Null for a subject''s name.';
comment on column credentials.thumbprint is 'SHA-256 of a certificate, base64url. Empty: no certificate.';
comment on column credentials.expires_at is 'Null: never.';
alter table credentials enable row level security;
alter table credentials force row level security;
create policy tenant on credentials using (tenant_id = current_setting('postern.tenant', true));
