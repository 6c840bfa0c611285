// The REST API, and of the three the one that has the secret.
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const { AUDIENCE, BASE_URL, CLIENT_ID, CLIENT_SECRET, ID_TOKEN_ALG, ISSUER_BASE_URL, PAGE_URL } = process.env;
const app = express();

app.use((req, res, next) => { // the page comes from another origin, and from no other than this one
  res.set({ 'access-control-allow-origin': PAGE_URL, 'access-control-allow-headers': 'authorization' });
  if (req.method === 'OPTIONS') res.end();
  else next();
});

// An access token is for this API. The tenant's public keys verify it.
app.get('/timesheets', auth({ issuerBaseURL: ISSUER_BASE_URL, audience: AUDIENCE }), requiredScopes('read:timesheets'), (req, res) =>
  res.json({ of: req.auth.payload.sub, hours: [8, 7, 8, 8, 6] }));

// An ID token is for the client, which this API is as much as the page is. By HS256 the client's secret verifies it.
const byClient = ID_TOKEN_ALG === 'HS256'
  ? auth({ issuer: `${ISSUER_BASE_URL}/`, audience: CLIENT_ID, secret: CLIENT_SECRET, tokenSigningAlg: 'HS256' })
  : auth({ issuerBaseURL: ISSUER_BASE_URL, audience: CLIENT_ID });
app.get('/me', byClient, (req, res) => res.json({ id: req.auth.payload.sub, name: req.auth.payload.name }));

app.use((err, _req, res, _next) => res.status(err.status ?? 500).set(err.headers ?? {}).json({ error: err.code ?? 'server_error' }));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The API is at ${BASE_URL}`));
