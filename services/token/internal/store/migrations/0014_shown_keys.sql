-- +goose Up
-- Stock verifiers stumble over keys that are no RSA keys, so the world is shown them only once the tenant has a use for them.
alter table signing_keys add column shown_at timestamptz default now();
comment on column signing_keys.shown_at is 'Since when keys of this algorithm are shown to the world; the first of an algorithm''s rows counts for all of them. Null in all: not yet. RS256 keys are shown whatever it says.';
-- A release from before shows all its keys and says nothing here: what it published, tokens may be out by already.

-- +goose Down
alter table signing_keys drop column shown_at;
