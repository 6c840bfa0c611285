// Who did what: the tenant's log, which names the client of each login and each token.
import { management } from '../kit/tenant.mjs';

const what = { s: 'login', f: 'refused login', seacft: 'token for a person', seccft: 'token for itself', feccft: 'refused a token for itself' };
const ours = ['Portal sample', 'Documents sample'];

const { data: entries } = await management.logs.list({ per_page: 100, sort: 'date:-1' });
for (const e of entries.filter((entry) => ours.includes(entry.client_name) && what[entry.type])) {
  console.log([e.date, e.client_name, what[e.type], e.user_name, e.audience, e.description].filter(Boolean).join('  '));
}
