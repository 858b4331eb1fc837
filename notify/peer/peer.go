// Package peer is what every road to a mail provider has to know of the server
// at its other end: whom it may be vouched for by, what a failed handshake
// means in words that help, how to show what it said, and how long it may take.
//
// It promises one answer for all roads: the same authorities are trusted, also
// on an image that has none; the same sentence tells a wrong clock from a
// stranger in the provider's place; and no secret, no control character and no
// endless line of a server's gets into a log, a status or a mail. It connects
// to nothing and keeps no state.
package peer
