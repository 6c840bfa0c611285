package egress

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "93.184.216.34", "223.255.255.254", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "192.0.1.1"} {
		require.True(t, public(netip.MustParseAddr(text)), text)
	}
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1",
		"240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "fc00::1", "fd00:ec2::254",
		"fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1",
	} {
		require.False(t, public(netip.MustParseAddr(text)), text)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]bool{ // without and with the switch
		"1.1.1.1:443": {true, true}, "127.0.0.1:443": {false, true}, "[::1]:443": {false, true}, "[::ffff:127.0.0.1]:443": {false, true},
		"10.0.0.1:443": {false, false}, "169.254.169.254:80": {false, false}, "0.0.0.0:443": {false, false}, "[::]:443": {false, false},
		"example.com:443": {false, false}, "": {false, false},
	} {
		require.Equal(t, want[0], allowed(address, false) == nil, address)
		require.Equal(t, want[1], allowed(address, true) == nil, address)
	}
}
