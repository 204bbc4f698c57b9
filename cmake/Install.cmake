# What `cmake --install` puts where, and what find_package(Roost) finds.
