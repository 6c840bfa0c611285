// An API gateway, as one of a cloud provider is configured: the issuer's discovery document and the audience to check tokens by, and an
// "OAuth 2.0 server" with authorization URL, token URL, client id and secret.
import { timingSafeEqual } from 'node:crypto';
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import * as oidc from 'openid-client';
import { developerConsole } from './console.mjs';

const { AUDIENCE, AUTHORIZATION_URL, BACKEND_URL, BASE_URL, CLIENT_ID, CLIENT_SECRET, ISSUER, SUBSCRIPTION_KEY, TOKEN_URL } = process.env;
const server = new oidc.Configuration(
  { issuer: ISSUER, authorization_endpoint: AUTHORIZATION_URL, token_endpoint: TOKEN_URL }, CLIENT_ID, CLIENT_SECRET, oidc.ClientSecretBasic(CLIENT_SECRET));

const app = express();
app.disable('x-powered-by');
app.use('/console', developerConsole(server, `${BASE_URL}/console/callback`));

// Who calls brings a token of their own, or a key of this gateway. A token that is not good is refused, whatever comes beside it.
const token = auth({ issuerBaseURL: process.env.ISSUER_BASE_URL, audience: AUDIENCE });
const knows = (key) => key?.length === SUBSCRIPTION_KEY.length && timingSafeEqual(Buffer.from(key, 'latin1'), Buffer.from(SUBSCRIPTION_KEY, 'latin1'));
const admit = (scope) => [
  async (req, res, next) => {
    if (req.headers.authorization || !knows(req.headers['ocp-apim-subscription-key'])) return token(req, res, next);
    req.headers.authorization = `Bearer ${await ownToken()}`;
    return token(req, res, next); // the gateway's own scopes count, too
  },
  requiredScopes(scope),
];

let held, until = 0;
// ownToken is the gateway's, for those who have none; it asks for the next a minute before the last one ends.
async function ownToken() {
  if (until < Date.now() + 60_000) {
    held = await oidc.clientCredentialsGrant(server, { audience: AUDIENCE });
    until = Date.now() + held.expires_in * 1000;
  }
  return held.access_token;
}

// forward sends a request on to a path of the backend that is written down here, with the token and nothing else of its headers.
const forward = (path) => async (req, res) => {
  const answer = await fetch(BACKEND_URL + path, {
    method: req.method, redirect: 'error', headers: { authorization: req.headers.authorization, 'content-type': 'application/json' }, body: req.method === 'GET' ? undefined : req.body });
  res.status(answer.status).type('application/json').send(Buffer.from(await answer.arrayBuffer()));
};

app.get('/orders', admit('read:orders'), forward('/orders'));
app.post('/orders', admit('write:orders'), express.text({ type: 'application/json', limit: '16kb' }), forward('/orders'));

app.use((err, _req, res, _next) => res.status(err.status ?? 502).set(err.headers ?? {}).json({ error: err.code ?? 'bad_gateway' }));

app.listen(new URL(BASE_URL).port, 'localhost', () => console.log(`The gateway is at ${BASE_URL}, its console at ${BASE_URL}/console`));
