package i2c

import "time"

// lm75 is the LM75 of many makers, after Texas Instruments' data sheet SNIS153B
// (March 2013), page 11.
//
// The temperature has 9 bits, steps of 0.5 °C; the seven bits below are
// undefined, so nothing is made of them, although some makers' chips have 11
// bits. The settings are 0 at power-on. Ours ask for two faults in a row
// before the O.S. pin goes active (D4 D3 = 01): the one setting that changes no
// temperature. D7 to D5 must be 0 and other makers give them meanings, so
// they are not compared. A conversion takes 100 ms, at most 300.
var lm75 = model{
	name:       "LM75",
	settings:   []byte{0x08},
	compare:    []byte{0x1f},
	valid:      0xff80,
	conversion: 300 * time.Millisecond,
	low:        -55,
	high:       125,
}
