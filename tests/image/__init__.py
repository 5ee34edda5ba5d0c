"""The operator's image: really built, looked into, and run as its Deployment says."""
