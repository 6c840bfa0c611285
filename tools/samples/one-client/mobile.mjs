// The mobile app, in as far as a terminal can be one. It logs people in as RFC 8252 has it: by the system's browser, with PKCE, and a
// callback that leads back into the app.
import http from 'node:http';
import * as oidc from 'openid-client';

const { API_URL, AUDIENCE, BASE_URL, CLIENT_ID, ISSUER_BASE_URL } = process.env;
const config = await oidc.discovery(new URL(ISSUER_BASE_URL), CLIENT_ID, undefined, oidc.None());
const pkceCodeVerifier = oidc.randomPKCECodeVerifier(), expectedState = oidc.randomState();
const redirect_uri = `${BASE_URL}/callback`;
const { hostname, port } = new URL(BASE_URL);

const loginURL = oidc.buildAuthorizationUrl(config, {
  redirect_uri, audience: AUDIENCE, scope: 'openid profile offline_access read:timesheets', state: expectedState,
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256' });

const back = await new Promise((answered) => {
  const server = http.createServer((req, res) => {
    const at = new URL(req.url, BASE_URL);
    if (at.pathname !== '/callback' || at.searchParams.get('state') !== expectedState) return res.writeHead(404).end(); // somebody else's
    res.setHeader('connection', 'close').end('Go back to the app.');
    server.close();
    return answered(at);
  });
  server.listen(port, hostname, () => console.log(`Open ${loginURL}`));
});

const ask = async (path, token) => {
  const res = await fetch(API_URL + path, { headers: { authorization: `Bearer ${token}` } });
  if (!res.ok) throw new Error(`The API says no (${res.status}).`);
  return res.json();
};
const hours = async (token) => (await ask('/timesheets', token)).hours.join(', ');
const first = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
console.log(`You are ${(await ask('/me', first.id_token)).name}. Your hours: ${await hours(first.access_token)}`);
const later = await oidc.refreshTokenGrant(config, first.refresh_token);
console.log(`And later, without a login: ${await hours(later.access_token)}`);
