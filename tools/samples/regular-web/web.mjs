// A regular web application. Which tenant, which client and where it is itself, the SDK reads from the environment: ISSUER_BASE_URL,
// CLIENT_ID, CLIENT_SECRET, BASE_URL, and SECRET for its own cookie.
import express from 'express';
import oidc from 'express-openid-connect';
import { html, page } from '../kit/page.mjs';

const app = express();

app.use(oidc.auth({
  authRequired: false, // pages say for themselves who may see them
  idpLogout: true, // who logs out here is out at the tenant, too
  authorizationParams: { response_type: 'code', scope: 'openid profile email' },
}));

app.get('/', (req, res) => res.send(page('Regular web application', req.oidc.isAuthenticated()
  ? html`<p>You are ${req.oidc.user.name}. <a href="/profile">Your profile</a>, <a href="/logout">log out</a></p>`
  : html`<p>Nobody is logged in. <a href="/login">Log in</a></p>`)));

app.get('/profile', oidc.requiresAuth(), (req, res) => res.send(page('Your profile', html`
  <pre>${JSON.stringify(req.oidc.user, null, 2)}</pre>
  <p><a href="/">Back</a></p>`)));

// A login that came to nothing, and whatever else goes wrong.
app.use((err, _req, res, _next) => res.status(err.status ?? 500).send(page('That did not work', html`
  <p>${err.error_description ?? err.message}</p>
  <p><a href="/">Back</a></p>`)));

const { port } = new URL(process.env.BASE_URL);
app.listen(port, 'localhost', () => console.log(`The application is at ${process.env.BASE_URL}`));
