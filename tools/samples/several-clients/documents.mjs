// The documents API: people's tokens open it. For an invoice it asks the invoices API as itself: with its own id and secret, for a token
// that no person and no other client can have.
import { AuthClient } from '@auth0/auth0-auth-js';
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const { BASE_URL, CLIENT_ID, CLIENT_SECRET, INVOICES_AUDIENCE, INVOICES_URL, ISSUER_BASE_URL } = process.env;
const app = express();
const all = [{ id: 1, title: 'Lease of the office' }, { id: 2, title: 'Printing of posters' }];

app.use(auth()); // ISSUER_BASE_URL and AUDIENCE say whose tokens, and for whom
app.use(requiredScopes('read:documents'));

app.get('/documents', (_req, res) => res.json(all));

app.get('/documents/:id/invoice', async (req, res) => {
  const document = all.find((d) => String(d.id) === req.params.id);
  if (!document) return res.status(404).json({ error: 'not_found' });
  const answer = await fetch(`${INVOICES_URL}/invoices/${document.id}`, { headers: { authorization: `Bearer ${await ownToken()}` } });
  return res.status(answer.status).json(await answer.json());
});

app.use((err, _req, res, _next) => res.status(err.status ?? 500).set(err.headers ?? {}).json({ error: err.code ?? 'server_error' }));

const tenant = new AuthClient({ domain: new URL(ISSUER_BASE_URL).host, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
let held;
// ownToken gives this API's token for invoices, and asks for another a minute before it ends.
async function ownToken() {
  if (!held || held.expiresAt < Date.now() / 1000 + 60) held = await tenant.getTokenByClientCredentials({ audience: INVOICES_AUDIENCE });
  return held.accessToken;
}

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The documents API is at ${BASE_URL}`));
