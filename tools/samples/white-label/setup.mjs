// Two partners run the product under their own names, on machines of their own. Each is a third-party client: it gets nothing that it was not
// granted, people are asked before it may do anything for them, and what one partner is given opens nothing of the other's. Each has a name
// and a logo, which the tenant's pages show, people of its own, and an audience of its own.
import { api, client, cookieSecret, grant, issuer, people, person, settings } from '../kit/tenant.mjs';

const { NORTHWIND_URL = 'http://localhost:3000', FABRIKAM_URL = 'http://localhost:3001', API_URL = 'http://localhost:3002' } = process.env;
const { NORTHWIND_LOGO = `${NORTHWIND_URL}/logo.svg`, FABRIKAM_LOGO = `${FABRIKAM_URL}/logo.svg` } = process.env; // shown when it is https
const partners = [
  { id: 'northwind', name: 'Northwind Travel', url: NORTHWIND_URL, logo: NORTHWIND_LOGO, colour: '#0b5d3b', someone: ['ada@northwind.example', 'Ada Byron'] },
  { id: 'fabrikam', name: 'Fabrikam Bookings', url: FABRIKAM_URL, logo: FABRIKAM_LOGO, colour: '#7a1f3d', someone: ['grace@fabrikam.example', 'Grace Hopper'] },
];
const audience = ({ id }) => `https://product.example/${id}/`;

for (const partner of partners) {
  await api(audience(partner), { name: `${partner.name}: bookings`, scopes: [{ value: 'read:bookings', description: 'See your bookings' }] });
  const portal = await client(partner.name, { // the name that people see when they log in and when they are asked
    is_first_party: false,
    third_party_security_mode: 'permissive', // strict third parties get no ID tokens, and these log people in
    app_type: 'regular_web',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code'],
    callbacks: [`${partner.url}/callback`],
    allowed_logout_urls: [partner.url],
    logo_uri: partner.logo,
  });
  await grant(portal, audience(partner), ['read:bookings'], 'user');
  await people(partner.id, portal); // third parties have no connection by themselves
  await person(...partner.someone, partner.id);
  settings(`.env.${partner.id}`, {
    ISSUER_BASE_URL: issuer, CLIENT_ID: portal.client_id, CLIENT_SECRET: portal.client_secret, BASE_URL: partner.url, SECRET: cookieSecret(),
    AUDIENCE: audience(partner), BOOKINGS_URL: `${API_URL}/${partner.id}/bookings`, NAME: partner.name, COLOUR: partner.colour,
  });
}
settings('.env.api', { ISSUER_BASE_URL: issuer, BASE_URL: API_URL, PARTNERS: partners.map(audience).join(' ') });
