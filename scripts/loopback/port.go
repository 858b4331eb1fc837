// Package loopback holds ports of 127.0.0.1 for servers that come and go.
package loopback

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Port is a free port that nobody else gets. It does not listen: connections
// are refused as long as no server does that, which sets SO_REUSEADDR as all
// servers do.
type Port struct {
	Number int
	socket int
}

// Hold takes a free port.
func Hold() (*Port, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hold a port: %w", err)
	}
	if err = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
		err = unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(socket)
	}
	if err != nil {
		unix.Close(socket)
		return nil, fmt.Errorf("hold a port: %w", err)
	}
	return &Port{Number: name.(*unix.SockaddrInet4).Port, socket: socket}, nil
}

// Close gives the port back; nil has none.
func (p *Port) Close() error {
	if p == nil {
		return nil
	}
	return unix.Close(p.socket)
}
