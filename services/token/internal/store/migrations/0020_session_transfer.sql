-- +goose Up
-- An app on its user's device hands their session on to a browser there (the wire's native-to-web single sign-on).
create table session_transfers (
  tenant_id  text not null,
  token_hash bytea not null,
  refresh_id text not null,
  ip         text not null,
  ends       boolean not null,
  issued_at  timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, token_hash)
);
comment on table session_transfers is 'Sessions that are being handed on, each for one use. Whose they are is said by the family of refresh tokens, without which they are worth nothing.';
comment on column session_transfers.token_hash is 'SHA-256 of the session transfer token.';
comment on column session_transfers.refresh_id is 'The family whose token was shown.';
comment on column session_transfers.ip is 'From where. What takes the session over is on the same device, where its client wants that.';
comment on column session_transfers.ends is 'What comes of it ends when the family is revoked.';
create index session_transfers_expiry on session_transfers (tenant_id, expires_at);
alter table session_transfers enable row level security;
alter table session_transfers force row level security;
create policy tenant on session_transfers using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on session_transfers for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on session_transfers for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());

alter table sessions add column from_family text;
alter table sessions add column ends_with_family boolean not null default false;
comment on column sessions.from_family is 'The family of refresh tokens by which an app handed the session on. Null: it is from a login in its browser.';
comment on column sessions.ends_with_family is 'It ends when that family is revoked.';
create index sessions_from on sessions (tenant_id, from_family) where ends_with_family;
alter table refresh_tokens add column from_family text;
alter table refresh_tokens add column ends_with_family boolean not null default false;
comment on column refresh_tokens.from_family is 'That of the session it came from: see sessions.from_family.';
comment on column refresh_tokens.ends_with_family is 'It ends when that family is revoked.';
create index refresh_tokens_from on refresh_tokens (tenant_id, from_family) where ends_with_family;

-- +goose Down
drop index refresh_tokens_from;
alter table refresh_tokens drop column ends_with_family, drop column from_family;
drop index sessions_from;
alter table sessions drop column ends_with_family, drop column from_family;
drop table session_transfers;
