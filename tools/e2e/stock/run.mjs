// What the scripts share: input from the environment, one JSON answer on standard output.
import assert from 'node:assert/strict';
export { assert };
export const input = JSON.parse(process.env.INPUT);
export const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
// refused runs f and gives the error it must end in.
export async function refused(f, what) {
  try { await f(); } catch (e) { return e; }
  throw new Error(`${what} was not refused`);
}
// within waits until look gives something true, and gives that and the milliseconds it took; at most limit of them.
export async function within(limit, what, look) {
  const began = performance.now();
  for (;;) {
    const seen = await look();
    const took = performance.now() - began;
    if (seen) return { seen, took };
    if (took > limit) throw new Error(`${what}: not within ${limit} ms`);
    await new Promise((f) => setTimeout(f, 20));
  }
}
// tenant speaks to the token endpoint of a tenant as any client would.
export const tenant = (domain) => ({
  issuer: `https://${domain}/`,
  async token(params, headers = {}) {
    const res = await fetch(`https://${domain}/oauth/token`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: new URLSearchParams(params) });
    return { status: res.status, ...(await res.json()) };
  },
});
export const basic = (id, secret) => ({ authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}` });
