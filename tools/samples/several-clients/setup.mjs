// Three programs, two of them APIs. The portal and the documents API call others: each is a client, with an id and a secret of its own.
import { api, client, cookieSecret, grant, issuer, person, settings } from '../kit/tenant.mjs';

const { PORTAL_URL = 'http://localhost:3000', DOCUMENTS_URL = 'http://localhost:3001', INVOICES_URL = 'http://localhost:3002' } = process.env;
const DOCUMENTS = 'https://documents.example/', INVOICES = 'https://invoices.example/';

await api(DOCUMENTS, {
  name: 'Documents',
  scopes: [{ value: 'read:documents', description: 'Read documents' }],
  skip_consent_for_verifiable_first_party_clients: true,
  subject_type_authorization: { user: { policy: 'require_client_grant' }, client: { policy: 'deny_all' } }, // people, in named clients
});
await api(INVOICES, {
  name: 'Invoices',
  scopes: [{ value: 'read:invoices', description: 'Read invoices' }],
  subject_type_authorization: { user: { policy: 'deny_all' }, client: { policy: 'require_client_grant' } }, // nobody's browser, named services
});

const portal = await client('Portal sample', {
  app_type: 'regular_web',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code'],
  callbacks: [`${PORTAL_URL}/callback`],
  allowed_logout_urls: [PORTAL_URL],
});
const documents = await client('Documents sample', {
  app_type: 'non_interactive', token_endpoint_auth_method: 'client_secret_post', grant_types: ['client_credentials'] });

// The flow: people reach documents by the portal, and documents alone reaches invoices.
await grant(portal, DOCUMENTS, ['read:documents'], 'user');
await grant(documents, INVOICES, ['read:invoices']);

settings('.env.portal', {
  ISSUER_BASE_URL: issuer, CLIENT_ID: portal.client_id, CLIENT_SECRET: portal.client_secret, BASE_URL: PORTAL_URL, SECRET: cookieSecret(),
  DOCUMENTS_AUDIENCE: DOCUMENTS, DOCUMENTS_URL,
});
settings('.env.documents', {
  ISSUER_BASE_URL: issuer, CLIENT_ID: documents.client_id, CLIENT_SECRET: documents.client_secret, BASE_URL: DOCUMENTS_URL, AUDIENCE: DOCUMENTS,
  INVOICES_AUDIENCE: INVOICES, INVOICES_URL,
});
settings('.env.invoices', { ISSUER_BASE_URL: issuer, BASE_URL: INVOICES_URL, AUDIENCE: INVOICES });
await person('ada@example.com', 'Ada Byron');
