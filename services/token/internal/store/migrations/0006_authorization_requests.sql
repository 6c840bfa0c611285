-- +goose Up
-- A login may end with a question to its user, and may begin with a session that was there before.
alter table transactions add column agreed boolean not null default false;
comment on column transactions.agreed is 'The user was asked on the consent page and agreed.';
alter table transactions add column reused boolean not null default false;
comment on column transactions.reused is 'The session was there before: nobody took part in this login yet.';
alter table access_tokens add column claims text[] not null default '{}';
comment on column access_tokens.claims is 'Claims that /userinfo gives beside those of the scope (OIDC Core §5.5).';

create table consents (
  tenant_id text not null,
  id        text not null,
  user_id   text not null,
  client_id text not null,
  audience  text not null,
  scope     text[] not null,
  given_at  timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, user_id, client_id, audience)
);
comment on table consents is 'What users agreed that clients may do; the wire calls them grants. They end when the user or the tenant takes them back.';
comment on column consents.audience is 'Of the API, or of /userinfo where none was asked for.';
comment on column consents.given_at is 'When it was last widened.';
create index consents_client on consents (tenant_id, client_id);
alter table consents enable row level security;
alter table consents force row level security;
create policy tenant on consents using (tenant_id = current_setting('postern.tenant', true));

create table pushed_requests (
  tenant_id  text not null,
  uri_hash   bytea not null,
  client_id  text not null,
  params     jsonb not null,
  signed     boolean not null,
  expires_at timestamptz not null,
  primary key (tenant_id, uri_hash)
);
comment on table pushed_requests is 'Authorization requests that clients left here for their browsers (RFC 9126), each for one use.';
comment on column pushed_requests.uri_hash is 'SHA-256 of the secret in the request_uri.';
comment on column pushed_requests.signed is 'It came as a signed request object (RFC 9101).';
create index pushed_requests_expiry on pushed_requests (tenant_id, expires_at);
alter table pushed_requests enable row level security;
alter table pushed_requests force row level security;
create policy tenant on pushed_requests using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on pushed_requests for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on pushed_requests for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());

-- +goose Down
drop table pushed_requests;
drop table consents;
alter table access_tokens drop column claims;
alter table transactions drop column reused;
alter table transactions drop column agreed;
