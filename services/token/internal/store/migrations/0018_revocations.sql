-- +goose Up
-- What is taken back by its session or its consent is found by no index of access_tokens: one more would make each login dearer, and this is
-- rare. So it is written down here until the last token it is about has run out, and looked at with each token.
create table revocations (
  tenant_id  text not null,
  session_id text not null,
  user_id    text not null,
  client_id  text not null,
  revoked_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, session_id, user_id, client_id)
);
comment on table revocations is 'Opaque access tokens that were taken back: all of a session, or those that a user''s consent gave a client.';
comment on column revocations.session_id is 'A session that was revoked. Empty: user and client are named instead.';
comment on column revocations.revoked_at is 'Of user and client, tokens from after it are good.';
comment on column revocations.expires_at is 'When no token is left that it is about.';
create index revocations_expiry on revocations (tenant_id, expires_at);
alter table revocations enable row level security;
alter table revocations force row level security;
create policy tenant on revocations using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on revocations for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on revocations for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());

-- +goose Down
drop table revocations;
