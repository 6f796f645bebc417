"""Operations: everything on one machine, the API, the worker, the servers, and what the machine can carry."""
