-- +goose Up
alter table entries add column mtls_thumbprint text;
comment on column entries.mtls_thumbprint is 'Of the certificate by which the client authenticated (RFC 8705 §3.1). Null: it did not do so by one.';

-- +goose Down
alter table entries drop column mtls_thumbprint;
