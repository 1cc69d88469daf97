# info prints the published parameters and multiply-adds of every network in models/.
$ tail -n +2 $MODELS/../tests/data/counts.csv | while IFS=, read m parameters macs rest; do cnnc info $MODELS/$m.json --target generic | awk -v m=$m -v p=$parameters -v k=$macs '$1 == "total" && ($2 != p || $3 != k) { print m ": " $2 ", " $3 }'; done > wrong; cat wrong; test ! -s wrong && echo all agree
all agree
= 0
