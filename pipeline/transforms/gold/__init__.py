"""What people ask for: sales by day, product, department and customer, right to the cent."""
