-- +goose Up
-- A token may be bound to a certificate (RFC 8705 §3), too. Its mark is no letter of a thumbprint: a release that knows keys alone
-- finds no proof that fits, and refuses.
alter table access_tokens drop constraint access_tokens_thumbprint_check;
alter table access_tokens add constraint access_tokens_thumbprint_check check (thumbprint ~ '^(x5t#S256:)?[A-Za-z0-9_-]{43}$') not valid; -- what is there is: no scan
comment on column access_tokens.thumbprint is 'Of the key that the token is bound to (RFC 7638, SHA-256), or behind x5t#S256: of the certificate (RFC 8705 §3.1). Null: to none.';

-- +goose Down
alter table access_tokens drop constraint access_tokens_thumbprint_check;
alter table access_tokens add constraint access_tokens_thumbprint_check check (length(thumbprint) = 43) not valid;
comment on column access_tokens.thumbprint is 'Of the key that the token is bound to (RFC 7638, SHA-256). Null: to none.';
