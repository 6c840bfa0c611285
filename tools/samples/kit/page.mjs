// Just enough HTML. What a page shows of anybody is escaped: whoever may choose a name may choose <script>.
class Markup {
  constructor(text) { this.text = text; }
  toString() { return this.text; }
}
const escaped = (value) => String(value).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const inlined = (value) => (Array.isArray(value) ? value.map(inlined).join('') : value instanceof Markup ? value.text : escaped(value ?? ''));

// html`<p>${name}</p>` escapes what is put in, except what html itself made.
export const html = (parts, ...values) => new Markup(String.raw({ raw: parts }, ...values.map(inlined)));

export const page = (title, body, colour = '#1f4e79') => String(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #222; background: #fff }
  h1, a { color: ${colour} }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; background: #f3f3f3 }
</style>
<main>
<h1>${title}</h1>
${body}
</main>
</html>
`);
