#!/bin/sh
# start.sh NAME: starts pinbell on the board as its unit would, with the config
# of one scenario. What it logs goes to the console.
name=$1
state=/var/lib/pinbell/$name
mkdir -p /etc/$name $state
cp /payload/$name/* /etc/$name/
chown -R pinbell:pinbell /etc/$name $state
chmod 600 /etc/$name/mail.password
chmod 700 $state
agent unit $name 1000:1000,997,998 /payload/pinbell run --config /etc/$name/pinbell.toml --state $state >/dev/console 2>&1 &
