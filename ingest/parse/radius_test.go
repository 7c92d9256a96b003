package parse

import "testing"

func TestFreeRADIUS_R36(t *testing.T) {
	t.Parallel()
	tells(t, radiusTold)
}

var radiusTold = []told{
	{`Sun Nov 22 10:00:00 2026 : Auth: (12) Login OK: [kari] (from client ap01 port 13 cli 02-00-00-ab-00-01)`,
		`set=freeradius cat=authentication type=start action=login outcome=success attempt=yes method=password user=kari from.mac=02-00-00-AB-00-01 observer=ap01`},
	{`Sun Nov 22 10:00:01 2026 : Auth: (13) Login incorrect (mschap: MS-CHAP2-Response is incorrect): [ola/<via Auth-Type = mschap>] (from client 10.0.0.9 port 0 cli 192.0.2.7)`,
		`set=freeradius cat=authentication type=start action=login outcome=failure attempt=yes method=password reason="mschap: MS-CHAP2-Response is incorrect" user=ola from=192.0.2.7 observer=10.0.0.9`},
	{`Sun Nov 22 10:00:02 2026 : Auth: Login incorrect: [ola/hemmelig] (from client vpn port 3)`,
		`set=freeradius cat=authentication type=start action=login outcome=failure attempt=yes method=password user=ola observer=vpn`},
	{`Nov 22 10:00:03 rad01 radiusd[99]: (14) Login OK: [KOMMUNE\\kari/<via Auth-Type = eap>] (from client ap02 port 0 via TLS tunnel)`,
		`set=freeradius cat=authentication type=info action=probe outcome=success user=kari user.domain=KOMMUNE host=rad01 observer=ap02`},
	{`Nov 22 10:00:04 rad01 radiusd[99]: (15) Login OK: [anonymous@bo.example/<via Auth-Type = eap>] (from client ap02 port 7 cli 02:00:00:AB:00:02)`,
		`set=freeradius cat=authentication type=start action=login outcome=success attempt=yes method=eap user=kari user.domain=KOMMUNE from.mac=02-00-00-AB-00-02 host=rad01 observer=ap02`},
	{`Nov 22 10:00:05 rad01 freeradius[99]: (15) Login incorrect (No Auth-Type found: rejecting the user via Post-Auth-Type = Reject): [x] (from client evil port 1 cli 10.6.6.6)] (from client ap03 port 2 cli -)`,
		`set=freeradius cat=authentication type=start action=login outcome=failure attempt=yes method=password reason="No Auth-Type found: rejecting the user via Post-Auth-Type = Reject" user="x] (from client evil port 1 cli 10.6.6.6)" host=rad01 observer=ap03`},
	{`Nov 22 10:00:06 rad01 freeradius[99]: Invalid user: [nobody/<no User-Password attribute>] (from client ap03 port 2)`,
		`set=freeradius cat=authentication type=start action=login outcome=failure attempt=yes method=password reason=invalid-user user=nobody host=rad01 observer=ap03`},
	{`Nov 22 10:00:06 rad01 freeradius[99]: (3) Login OK: [host/pc01.bo.example/<via Auth-Type = eap>] (from client sw1 port 50101 cli 0200.00ab.0003)`,
		`set=freeradius cat=authentication type=start action=login outcome=success attempt=yes method=eap user=host/pc01.bo.example from.mac=02-00-00-AB-00-03 host=rad01 observer=sw1`},
	{`Nov 22 10:00:07 rad01 freeradius[99]: Ready to process requests`,
		`set=freeradius host=rad01`},
}
