package i2c

import "time"

// tmp102 is Texas Instruments' TMP102, data sheet SBOS397C (October 2012).
//
// The settings (page 7, table 7) have two bytes, 0x60 0xA0 at power-on. Ours
// differ in the rate: 8 conversions a second instead of 4 (CR1 CR0 = 11), which
// is how a chip that lost its power is told. EM = 0 selects 12 bits (page 6,
// table 3), of which the four below and D0 read 0. Not compared: OS, which
// changes with conversions, and AL, the state of the alert pin. A conversion
// takes 26 ms, at most 35 (electrical characteristics).
var tmp102 = model{
	name:       "TMP102",
	settings:   []byte{0x60, 0xc0},
	compare:    []byte{0x7f, 0xdf},
	valid:      0xfff0,
	zero:       0x000f,
	conversion: 35 * time.Millisecond,
	low:        -40,
	high:       125,
}
