-- Last: every function above may be called by the application's roles, which see through it only what their own policies show.
grant execute on all functions in schema public to longhaul_app, longhaul_system;
