// The gateway's console for developers, where somebody tries the API as themselves: authorization URL, token URL, client id and secret.
import express from 'express';
import * as oidc from 'openid-client';
import { html, page } from '../kit/page.mjs';

const COOKIE = 'console';

export function developerConsole(server, redirect_uri) {
  const router = express.Router();

  router.get('/', (_req, res) => res.send(page('Developer console', html`<p>Try the orders API as yourself: <a href="/console/login">authorize</a></p>`)));

  // What the answer is held to stays with the browser that asked: the state, and the verifier of PKCE (RFC 7636).
  router.get('/login', async (_req, res) => {
    const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState();
    const to = oidc.buildAuthorizationUrl(server, {
      redirect_uri, state, scope: 'openid read:orders', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' });
    res.cookie(COOKIE, `${state}.${verifier}`, { httpOnly: true, sameSite: 'lax', path: '/console', secure: redirect_uri.startsWith('https:') }).redirect(to.href);
  });

  router.get('/callback', async (req, res) => {
    const [, expectedState, pkceCodeVerifier] = /(?:^|; )console=([^.;]+)\.([^;]+)/.exec(req.headers.cookie ?? '') ?? [];
    res.clearCookie(COOKIE, { path: '/console' });
    if (!expectedState) return res.status(400).send(page('That did not work', html`<p>This login did not begin here.</p>`));
    try {
      const at = new URL(redirect_uri);
      at.search = new URL(req.originalUrl, redirect_uri).search;
      const { access_token } = await oidc.authorizationCodeGrant(server, at, { expectedState, pkceCodeVerifier });
      const answer = await fetch(new URL('/orders', redirect_uri), { headers: { authorization: `Bearer ${access_token}` } });
      return res.send(page('Developer console', html`<p>GET /orders answered ${answer.status}:</p><pre>${await answer.text()}</pre>`));
    } catch (e) {
      return res.status(400).send(page('That did not work', html`<p>${e.error_description ?? e.message}</p>`));
    }
  });

  return router;
}
