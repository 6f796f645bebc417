"""Running it: everything on one machine, the worker, the servers, how loaded the machine is."""
