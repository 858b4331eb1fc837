package smtptest

import (
	"fmt"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// Port is a TCP port of 127.0.0.1 that nobody else gets until Close. It
// refuses connections while no server listens there; one with its Addr may
// come and go.
//
// A port that was found free and left again is anybody's: another process may
// listen there a moment later.
type Port struct{ held, number int }

// HoldPort takes a free port. It binds a socket and does not listen: Linux
// then refuses connections, gives the port to no one who asks for any, and
// lets a listener that names it share it, as both sockets allow that.
func HoldPort() (*Port, error) {
	held, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hold a port: %w", err)
	}
	if err = unix.SetsockoptInt(held, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
		err = unix.Bind(held, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(held)
	}
	if err != nil {
		unix.Close(held)
		return nil, fmt.Errorf("hold a port: %w", err)
	}
	return &Port{held, name.(*unix.SockaddrInet4).Port}, nil
}

// Number is the port without the address.
func (p *Port) Number() int { return p.number }

// Addr is where a server may listen: "127.0.0.1:40587".
func (p *Port) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// Close gives the port up.
func (p *Port) Close() error { return unix.Close(p.held) }
