package i2c

import "time"

// tmp105 is Texas Instruments' TMP105, data sheet SLLS648D (September 2011).
//
// The settings have one byte, 0 at power-on: 9 bits. Ours are 12 bits (R1 R0 =
// 11), in which a conversion takes 220 ms, at most 300. The bits below the
// resolution read 0, and so does the temperature until the first conversion
// is complete (page 6). Not compared: OS.
var tmp105 = model{
	name:       "TMP105",
	settings:   []byte{0x60},
	compare:    []byte{0x7f},
	valid:      0xfff0,
	zero:       0x000f,
	conversion: 300 * time.Millisecond,
	low:        -40,
	high:       125,
}
