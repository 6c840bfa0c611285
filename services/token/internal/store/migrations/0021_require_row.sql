-- +goose Up
-- A change that must find its row says so itself: then it can go out with all that follows it, in one message, and nothing of that stays.
-- +goose StatementBegin
create function require_row(changed bigint) returns boolean
language plpgsql immutable as $$
begin
  if changed = 0 then
    raise exception 'there is no such row' using errcode = 'no_data_found';
  end if;
  return true;
end $$;
-- +goose StatementEnd
comment on function require_row is 'Ends the transaction where a change found nothing to change.';

-- +goose Down
drop function require_row;
