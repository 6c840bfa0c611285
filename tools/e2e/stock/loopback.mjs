// Preloaded before every client: names under .localhost are dialled on loopback (RFC 6761 §6.3), whatever the resolver knows.
import dns from 'node:dns';
const system = dns.lookup;
dns.lookup = (name, options, callback) => {
  if (typeof options === 'function') [options, callback] = [{}, options];
  if (name !== 'localhost' && !String(name).endsWith('.localhost')) return system(name, options, callback);
  const one = { address: '127.0.0.1', family: 4 };
  return process.nextTick(() => (options?.all ? callback(null, [one]) : callback(null, one.address, one.family)));
};
