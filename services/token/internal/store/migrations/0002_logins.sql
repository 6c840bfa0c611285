-- +goose Up
-- Everything here is short-lived: secrets are kept as SHA-256, rows are deleted in batches once they have expired. The policy
-- "sweep" is for that deletion alone, which belongs to no tenant.
create table sessions (
  tenant_id     text not null,
  id            text not null,
  secret_hash   bytea not null,
  user_id       text not null,
  connection_id text not null,
  connection    text not null,
  strategy      text not null,
  auth_time     timestamptz not null,
  last_used_at  timestamptz not null,
  idle_until    timestamptz not null,
  expires_at    timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, secret_hash),
  check (idle_until <= expires_at)
);
comment on table sessions is 'Browsers that are logged in at a tenant.';
comment on column sessions.id is 'The sid claim. Opens nothing.';
comment on column sessions.secret_hash is 'SHA-256 of the cookie.';
comment on column sessions.auth_time is 'When the user proved who they are (OIDC Core §2, auth_time).';
comment on column sessions.idle_until is 'Moves with use; expires_at never does.';
create index sessions_expiry on sessions (tenant_id, idle_until);
create index sessions_user on sessions (tenant_id, user_id);
alter table sessions enable row level security;
alter table sessions force row level security;
create policy tenant on sessions using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on sessions using (current_setting('postern.sweep', true) = 'on');

create table transactions (
  tenant_id    text not null,
  state_hash   bytea not null,
  browser_hash bytea not null,
  request      jsonb not null,
  session_id   text,
  began_at     timestamptz not null,
  expires_at   timestamptz not null,
  primary key (tenant_id, state_hash)
);
comment on table transactions is 'Logins under way, from /authorize until the code.';
comment on column transactions.state_hash is 'SHA-256 of the state in the login page''s address.';
comment on column transactions.browser_hash is 'SHA-256 of the cookie of the browser that began it: the state is worth nothing elsewhere.';
comment on column transactions.request is 'The authorization request as it was found valid.';
comment on column transactions.session_id is 'Set once the user has logged in.';
create index transactions_expiry on transactions (tenant_id, expires_at);
alter table transactions enable row level security;
alter table transactions force row level security;
create policy tenant on transactions using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on transactions using (current_setting('postern.sweep', true) = 'on');

create table codes (
  tenant_id   text not null,
  code_hash   bytea not null,
  client_id   text not null,
  user_id     text not null,
  session_id  text not null,
  authorized  jsonb not null,
  issued_at   timestamptz not null,
  expires_at  timestamptz not null,
  redeemed_at timestamptz,
  primary key (tenant_id, code_hash)
);
comment on table codes is 'Authorization codes (RFC 6749 §4.1.2). A used one stays until it expires, so that its second use is noticed.';
comment on column codes.authorized is 'What the code stands for: redirect URI, audience, scope, PKCE challenge, nonce, how the user came.';
create index codes_expiry on codes (tenant_id, expires_at);
alter table codes enable row level security;
alter table codes force row level security;
create policy tenant on codes using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on codes using (current_setting('postern.sweep', true) = 'on');

create table access_tokens (
  tenant_id  text not null,
  token_hash bytea not null,
  client_id  text not null,
  user_id    text not null,
  session_id text not null,
  scope      text not null,
  code_hash  bytea not null,
  issued_at  timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, token_hash)
);
comment on table access_tokens is 'Opaque access tokens, which open /userinfo alone. Tokens for APIs are JWTs and are not stored.';
comment on column access_tokens.code_hash is 'The code it was issued from: when that comes back, the token goes.';
create index access_tokens_expiry on access_tokens (tenant_id, expires_at);
create index access_tokens_code on access_tokens (tenant_id, code_hash);
alter table access_tokens enable row level security;
alter table access_tokens force row level security;
create policy tenant on access_tokens using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on access_tokens using (current_setting('postern.sweep', true) = 'on');
