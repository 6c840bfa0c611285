-- +goose Up
-- What is bound to a key (RFC 9449) is worth nothing to who does not prove to hold it.
alter table access_tokens add column thumbprint text check (length(thumbprint) = 43);
comment on column access_tokens.thumbprint is 'Of the key that the token is bound to (RFC 7638, SHA-256). Null: to none.';
alter table refresh_tokens add column thumbprint text check (length(thumbprint) = 43);
comment on column refresh_tokens.thumbprint is 'Of the key that the family is bound to (RFC 9449 §5): of public clients alone. Null: to none.';
comment on table assertions is 'Client assertions and proofs of possession that were used, until they would have expired by themselves.';
comment on column assertions.assertion_hash is 'SHA-256 over who signed and jti; of a proof, over its URL, too.';

-- +goose Down
comment on column assertions.assertion_hash is 'SHA-256 over client and jti.';
comment on table assertions is 'The jti of client assertions, until they would have expired by themselves.';
alter table refresh_tokens drop column thumbprint;
alter table access_tokens drop column thumbprint;
