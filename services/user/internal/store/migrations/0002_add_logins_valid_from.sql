-- +goose Up
-- Widens only: a release that does not know the column leaves it as it is.
alter table users add column logins_valid_from timestamptz;
comment on column users.logins_valid_from is
  'When the e-mail address, username, phone number or password last changed: logins from before it are over. Null: never since creation.';

-- +goose Down
alter table users drop column logins_valid_from;
