-- +goose Up
-- The sweeper belongs to no tenant. It walks over all rows, changes none, and deletes those alone that have expired by this clock, too.
drop policy sweep on sessions;
create policy sweep on sessions for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on sessions for delete using (current_setting('postern.sweep', true) = 'on' and idle_until <= now());
drop policy sweep on transactions;
create policy sweep on transactions for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on transactions for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());
drop policy sweep on codes;
create policy sweep on codes for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on codes for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());
drop policy sweep on access_tokens;
create policy sweep on access_tokens for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on access_tokens for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());

-- +goose Down
drop policy sweep_expired on sessions;
drop policy sweep on sessions;
create policy sweep on sessions using (current_setting('postern.sweep', true) = 'on');
drop policy sweep_expired on transactions;
drop policy sweep on transactions;
create policy sweep on transactions using (current_setting('postern.sweep', true) = 'on');
drop policy sweep_expired on codes;
drop policy sweep on codes;
create policy sweep on codes using (current_setting('postern.sweep', true) = 'on');
drop policy sweep_expired on access_tokens;
drop policy sweep on access_tokens;
create policy sweep on access_tokens using (current_setting('postern.sweep', true) = 'on');
