"""The stock rules over whole catalogues: columns in, columns out. No SQL, no network, no clock."""
