# The pages made from the operators' tables are up to date. To renew: cnnc ops --markdown below the mark in
# docs/network.md, cnnc ops --schema > docs/network.schema.json.
$ sed '1,/^<!-- below: cnnc ops --markdown -->$/d' $MODELS/../docs/network.md > want.md; cnnc ops --markdown | diff want.md -
= 0
$ cnnc ops --schema | diff $MODELS/../docs/network.schema.json -
= 0
