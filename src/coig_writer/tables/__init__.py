"""Tables as people hand them in: any encoding, CSV as spreadsheets write it."""
