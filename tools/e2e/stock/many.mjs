// A thousand clients: listed, filtered and paged, each once; and how long the slowest page took.
import { ManagementClient } from 'auth0';
import { answer, assert, input } from './run.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const COUNT = 1000, kinds = ['spa', 'native', 'regular_web', 'non_interactive'];
const made = new Set();
for (let at = 0; at < COUNT;) {
  const batch = Array.from({ length: Math.min(20, COUNT - at) }, (_, i) => m.clients.create({ name: `client ${at + i}`, app_type: kinds[(at + i) % 4], is_first_party: (at + i) % 10 !== 0 }));
  for (const c of await Promise.all(batch)) made.add(c.client_id);
  at += batch.length;
}
assert.equal(made.size, COUNT);
let slowest = 0;
const timed = async (f) => { const began = performance.now(); const got = await f(); slowest = Math.max(slowest, performance.now() - began); return got; };
const ours = (ids) => ids.filter((id) => made.has(id));
const once = (ids, want, what) => { assert.equal(new Set(ids).size, ids.length, `${what}: each once`); assert.equal(ids.length, want, what); };

const offset = [];
for (let page = 0; ; page++) {
  const got = (await timed(() => m.clients.list({ page, per_page: 100, include_totals: true, fields: 'client_id,name' }))).data;
  offset.push(...got.map((c) => c.client_id));
  if (got.length < 100) break;
}
once(ours(offset), COUNT, 'by offset');
const get = async (query) => (await fetch(`https://${domain}/api/v2/clients?${query}`, { headers: { authorization: `Bearer ${token}` } })).json();
const { access_token: token } = await (await fetch(`https://${domain}/oauth/token`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ grant_type: 'client_credentials', client_id: api.client_id, client_secret: api.client_secret, audience: api.audience }) })).json();
const checkpoint = [];
for (let from = ''; ;) {
  const got = await timed(() => get(`take=100&fields=client_id${from && `&from=${encodeURIComponent(from)}`}`));
  checkpoint.push(...got.clients.map((c) => c.client_id));
  if (!got.next) break;
  from = got.next;
}
once(ours(checkpoint), COUNT, 'by checkpoint');
assert.deepEqual(checkpoint, offset, 'in one order');
for (const [query, want] of [['app_type=spa', 250], ['app_type=spa,native', 500], ['is_first_party=false', 100], ['is_global=true', 0]]) {
  const ids = [];
  for (let from = ''; ;) {
    const got = await timed(() => get(`${query}&take=100&fields=client_id${from && `&from=${encodeURIComponent(from)}`}`));
    ids.push(...got.clients.map((c) => c.client_id));
    if (!got.next) break;
    from = got.next;
  }
  once(ours(ids), want, query);
}
answer({ slowest });
